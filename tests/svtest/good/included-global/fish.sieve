# Found by include :global: "included-global" beside the suite.
require "fileinto";
fileinto "Fish";
