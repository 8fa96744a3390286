# RFC 5703 3: names are constants.
require ["foreverypart", "variables"];
foreverypart :name "${a}" { }
