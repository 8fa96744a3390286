# RFC 6131 2: the site has a minimum. By default it is a day, as in Dovecot.
require "vacation-seconds";
vacation :handle "h" :seconds 60 "I am in a meeting.";
