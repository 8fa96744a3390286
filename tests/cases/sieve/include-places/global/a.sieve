redirect "global@example.com";
