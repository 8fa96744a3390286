/* conf-problem: the list of what is wrong with a file, while it is read. */
#include "conf/conf-problem.h"

#include "agent/base/limits.h"

#include <string.h>

/* Longer names are no typing errors; it bounds the table of distances, too. */
enum { NAME_MAX_LENGTH = 48 };

void
conf_problem_free(ConfProblem *problem)
{
	if (problem == NULL)
		return;
	g_free(problem->file);
	g_free(problem->text);
	g_free(problem);
}

char *
conf_problem_print(const ConfProblem *problem)
{
	if (problem->line == 0)
		return g_strdup_printf("%s: %s", problem->file, problem->text);
	return g_strdup_printf("%s:%u: %s", problem->file, problem->line, problem->text);
}

void
conf_problem_add(GPtrArray *problems, const char *file, unsigned line, const char *text, ...)
{
	if (problems->len >= LIMIT_CONF_PROBLEMS)
		return;
	va_list args;
	va_start(args, text);
	g_autofree char *raw = g_strdup_vprintf(text, args);
	va_end(args);
	ConfProblem *problem = g_new0(ConfProblem, 1);
	problem->file = g_strdup(file);
	problem->line = line;
	problem->text = g_utf8_make_valid(raw, -1);
	for (char *c = problem->text; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	g_ptr_array_add(problems, problem);
}

bool
conf_problem_at_line(const GPtrArray *problems, unsigned line)
{
	for (guint i = 0; i < problems->len; i++)
		if (((const ConfProblem *) problems->pdata[i])->line == line)
			return true;
	return false;
}

static gint
by_line(gconstpointer a, gconstpointer b)
{
	const ConfProblem *left = *(ConfProblem *const *) a, *right = *(ConfProblem *const *) b;
	return left->line < right->line ? -1 : left->line > right->line;
}

void
conf_problem_sort(GPtrArray *problems)
{
	g_ptr_array_sort(problems, by_line);
}

/* How many letters must be added, removed or changed (Levenshtein), row by row. */
static unsigned
distance(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);
	if (len_a > NAME_MAX_LENGTH || len_b > NAME_MAX_LENGTH)
		return G_MAXUINT;
	unsigned row[NAME_MAX_LENGTH + 1];
	for (size_t j = 0; j <= len_b; j++)
		row[j] = (unsigned) j;
	for (size_t i = 1; i <= len_a; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned) i;
		for (size_t j = 1; j <= len_b; j++) {
			unsigned above = row[j];
			unsigned changed = diagonal + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));
			row[j] = MIN(changed, MIN(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[len_b];
}

const char *
conf_problem_nearest(const char *name, const char *const *names)
{
	const char *best = NULL;
	unsigned least = 1 + (unsigned) MIN(strlen(name), NAME_MAX_LENGTH) / 3;
	for (; *names != NULL; names++) {
		unsigned d = distance(name, *names);
		if (d <= least && (best == NULL || d < least)) {
			best = *names;
			least = d;
		}
	}
	return best;
}
