/* SPDX-License-Identifier: MIT */
/* outcome: two tables. */
#include "agent/base/outcome.h"

#include "agent/base/fs.h"

/* By row of status-table.def, as errno becomes one where it happens (status.c). */
static const FaultKind kinds[STATUS_COUNT] = {
	[STATUS_NO_MEMORY] = FAULT_PASSING,      [STATUS_IO] = FAULT_PASSING,
	[STATUS_READ_ONLY] = FAULT_PASSING,      [STATUS_STALE] = FAULT_PASSING,
	[STATUS_TOO_MANY_FILES] = FAULT_PASSING, [STATUS_FILE_LIMIT] = FAULT_PASSING,
	[STATUS_DEADLINE] = FAULT_PASSING,       [STATUS_TRUNCATED] = FAULT_PASSING,
	[STATUS_DISK_FULL] = FAULT_PASSING,      [STATUS_QUOTA_GRACE] = FAULT_PASSING,
	[STATUS_LOCKED] = FAULT_PASSING,         [STATUS_MISSING] = FAULT_MISSING,
	[STATUS_NO_PERMISSION] = FAULT_LASTING,  [STATUS_NOT_A_FOLDER] = FAULT_LASTING,
	[STATUS_MAILBOX] = FAULT_LASTING,        [STATUS_UNTRUSTED] = FAULT_LASTING,
};

static const Outcome outcomes[OUTCOME_OBJECTS][FAULT_KINDS] = {
#define OUTCOME(object, passing, missing, lasting, text) \
	[OUTCOME_OF_##object] = { OUTCOME_PUT_OFF, OUTCOME_##passing, OUTCOME_##missing, \
		                  OUTCOME_##lasting },
#include "agent/base/outcome-table.def"
#undef OUTCOME
};

FaultKind
outcome_fault_kind(StatusId id)
{
	return kinds[id];
}

Outcome
outcome_find(OutcomeObject object, StatusId id)
{
	return outcomes[object][kinds[id]];
}

bool
outcome_script_is_there(const char *path)
{
	g_auto(Status) fault = STATUS_INIT;
	if (fs_exists(path, &fault))
		return true;
	return fault.id != STATUS_OK &&
	       outcome_find(OUTCOME_OF_SCRIPT_FOLDER, fault.id) != OUTCOME_NEXT_PLACE;
}
