/* address: halves and equality. */
#include "agent/message/address.h"
