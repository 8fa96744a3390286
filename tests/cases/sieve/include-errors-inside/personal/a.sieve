keep;
keeep;
