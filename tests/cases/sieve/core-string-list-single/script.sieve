# RFC 5228 2.4.2.1: a list of one is as good as the string.
if header :is ["subject"] ["hello world"] { redirect "a@example.com"; }
