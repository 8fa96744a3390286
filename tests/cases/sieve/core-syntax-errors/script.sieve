# Issue 3: the parser goes on behind each error.
if header :contains ["subject" "x"] "y" { keep; }
redirect ["a@example.com", ];
if anyof (true, ) { kepp; }
"string";
keep;;
discard 5 ] ;
