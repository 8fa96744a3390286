# RFC 5435 4: example 4; the test is true only if all methods are good.
require "enotify";
if not valid_notify_method ["mailto:",
        "http://gw.example.net/notify?test"] {
    stop;
}
discard;
