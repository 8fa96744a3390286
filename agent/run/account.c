/* account: looks recipients up. */
#include "agent/run/account.h"
