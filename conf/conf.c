/* conf: reads todoke.conf. */
#include "conf/conf.h"

static const ConfRow rows[] = {
#define CONF(type, name, def, min, max, choices, help) \
	{ CONF_##type, #name, def, min, max, choices, help, G_STRUCT_OFFSET(Conf, name) },
#include "conf/conf-table.def"
#undef CONF
};

const ConfRow *
conf_row(size_t i)
{
	return i < G_N_ELEMENTS(rows) ? &rows[i] : NULL;
}
