# Issue 11.7: with variables; what becomes no address by them is a fault, as of redirect.
require ["notify", "variables"];
set "who" "a@example.com";
notify :options "${who}" :message "${who} $subject$";
notify :options "${nobody}";
