redirect "personal@example.com";
