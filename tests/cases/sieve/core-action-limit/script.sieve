# actions are counted; nothing is done by half.
redirect "a@example.com"; redirect "b@example.com"; keep;
