require ["duplicate", "fileinto"];
if duplicate { fileinto "Seen"; } else { keep; }
