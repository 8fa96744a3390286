# Files, and leaves the implicit keep to nobody.
require "fileinto";
fileinto "Notes";
