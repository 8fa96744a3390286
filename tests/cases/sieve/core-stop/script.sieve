# RFC 5228 3.3: stop ends the script; the implicit keep stays in force.
stop;
