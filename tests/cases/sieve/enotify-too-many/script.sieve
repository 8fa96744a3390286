# More recipients than LIMIT_MAILTO_RECIPIENTS, more fields than LIMIT_MAILTO_FIELDS; as many are good.
require "enotify";
if valid_notify_method "mailto:a0@example.com,a1@example.com,a2@example.com,a3@example.com,a4@example.com,a5@example.com,a6@example.com,a7@example.com,a8@example.com" { discard; }
if not valid_notify_method "mailto:a0@example.com,a1@example.com,a2@example.com,a3@example.com,a4@example.com,a5@example.com,a6@example.com,a7@example.com" { discard; }
if valid_notify_method "mailto:a@example.com?x0=1&x1=1&x2=1&x3=1&x4=1&x5=1&x6=1&x7=1&x8=1&x9=1&x10=1&x11=1&x12=1&x13=1&x14=1&x15=1&x16=1" { discard; }
if not valid_notify_method "mailto:a@example.com?x0=1&x1=1&x2=1&x3=1&x4=1&x5=1&x6=1&x7=1&x8=1&x9=1&x10=1&x11=1&x12=1&x13=1&x14=1&x15=1" { discard; }
