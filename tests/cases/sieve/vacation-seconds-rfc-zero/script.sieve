# RFC 6131 3: an answer to every message.
require ["vacation-seconds"];
vacation :handle "auto-resp" :seconds 0
    "Your request has been received.";
