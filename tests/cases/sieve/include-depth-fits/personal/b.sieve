redirect "b@example.com";
