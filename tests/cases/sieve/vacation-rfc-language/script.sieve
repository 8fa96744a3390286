# RFC 5230 7: the text by the language of the message.
require "vacation";
if header :contains ["accept-language", "content-language"] "en"
{
    vacation :handle "en" "I am away this week.";
} else {
    vacation :handle "es" "Estoy ausente esta semana.";
}
