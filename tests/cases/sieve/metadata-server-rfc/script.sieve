# RFC 5490 4.1: the example, with variables in the method.
require ["enotify", "servermetadata", "variables", "envelope"];

if servermetadata :matches
  "/private/vendor/vendor.isode/notification-uri" "*" {
  set "notif_uri" "${0}";
}

if not string :is "${notif_uri}" "none" {
  # :matches is used to get the MAIL FROM address
  if envelope :all :matches "from" "*" {
    set "env_from" " [really: ${1}]";
  }

  # :matches is used to get the value of the Subject header
  if header :matches "Subject" "*" {
    set "subject" "${1}";
  }

  notify :message "${env_from}: ${subject}"
    "${notif_uri}";
}
