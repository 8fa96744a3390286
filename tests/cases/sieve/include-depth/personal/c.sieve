redirect "c@example.com";
