# Issue 11.7: nobody is told to require the old name.
mark;
addflag "\\Seen";
