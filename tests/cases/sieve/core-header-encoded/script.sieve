# RFC 5228 2.7.2: encoded words are decoded to UTF-8 before they are compared.
if header :contains "subject" "Grüße" { redirect "a@example.com"; }
if header :is "subject" "日本 Grüße" { redirect "b@example.com"; }
