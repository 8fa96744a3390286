# Issue 11.7: flags of the draft go to the implicit keep, too.
require "imapflags";
mark;
