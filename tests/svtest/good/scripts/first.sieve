# Leaves the implicit keep in force.
redirect "nobody@example.net";
keep;
