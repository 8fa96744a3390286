require ["include", "editheader"];
if allof (exists "X-One", not exists "X-Number") { redirect "a@example.com"; }
addheader "X-Two" "2";
deleteheader "X-Empty";
