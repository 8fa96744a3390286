redirect "a@example.com";
