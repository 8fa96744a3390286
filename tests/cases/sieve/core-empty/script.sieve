# RFC 5228 2.10.2: a script that does nothing leaves the implicit keep in force.
