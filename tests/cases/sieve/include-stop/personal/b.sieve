redirect "b@example.com";
stop;
