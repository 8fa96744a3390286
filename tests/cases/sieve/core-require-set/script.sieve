# Issue 3: plain names are the whole set.
require ["fileinto", "copy"];
