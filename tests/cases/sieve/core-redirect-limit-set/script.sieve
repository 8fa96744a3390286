# The limit is a setting.
redirect "a@example.com"; redirect "b@example.com";
