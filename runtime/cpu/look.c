/*
 * Look - one pass from the kernel's files to a view
 *
 *   membership  /proc/self/cgroup, each time: a supervisor may move processes, itself included
 *   place       mountinfo, the folder of each level; found anew when the membership changed
 *   levels      the quota files of each level
 *
 * What was known stays in force when something cannot be read: a process that ran out of
 * descriptors must not believe for that reason that it owns the machine. That holds for a level's
 * value and for the place as a whole.
 */

#include "config.h"

#include <corun/cpu.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cpu/affinity.h"
#include "runtime/cpu/cgroup.h"
#include "runtime/cpu/quota.h"
#include "runtime/cpu/source.h"

/* A path can have 2,000 components; they must not eat up the process's descriptors. */
#define LEVELS_KEPT_OPEN 32

/* Where the process is, as far as it could be found. */
struct place {
	enum corun_cpu_hierarchy hierarchy; /* NONE: nothing mounted shows it, no levels */
	bool hybrid;
	char *cgroup_path;
	struct cpu_cgroup_mount mount;
	size_t n_levels;
	struct corun_cpu_level *levels;
	struct cpu_quota *quotas; /* one for each level */
};

struct corun_cpu {
	struct cpu_source source;
	unsigned cpus;
	bool leaf_only;
	bool with_stat;
	struct place place;
	struct corun_cpu_view view;
	char fault[160];
};

/* ---- place ----------------------------------------------------------------------------------- */

static void
place_free(struct place *place)
{
	for (size_t i = 0; i < place->n_levels; i++)
		cpu_quota_fini(&place->quotas[i]);
	free(place->levels);
	free(place->quotas);
	free(place->cgroup_path);
	cpu_cgroup_mount_free(&place->mount);
	*place = (struct place){ .hierarchy = CORUN_CGROUP_NONE };
}

/* One level: the first @len bytes of the path below the mount. Return: 0 or -ENOMEM. */
static int
place_add_level(struct place *place, size_t len)
{
	const struct cpu_cgroup_mount *mount = &place->mount;
	size_t i = place->n_levels;
	size_t point_len = cpu_cgroup_trim(mount->point, strlen(mount->point));
	char *path = len ? strndup(mount->below, len) : strdup("/");
	char *dir = malloc(point_len + len + 2);

	if (!path || !dir) {
		free(path);
		free(dir);
		return -ENOMEM;
	}
	memcpy(dir, mount->point, point_len);
	memcpy(dir + point_len, mount->below, len);
	dir[point_len + len] = '\0';
	if (point_len + len == 0)
		strcpy(dir, "/");

	cpu_quota_init(&place->quotas[i], place->hierarchy, path, dir);
	place->quotas[i].keep_open = i < LEVELS_KEPT_OPEN;
	place->levels[i] = (struct corun_cpu_level){ .path = path, .dir = dir };
	place->n_levels++;
	return 0;
}

/* The levels from the leaf up to the mount's root. Return: 0, -ENOMEM or -ENAMETOOLONG. */
static int
place_add_levels(struct place *place, bool leaf_only)
{
	const char *below = place->mount.below;
	size_t len = strlen(below);
	size_t n = 1;

	if (strlen(place->mount.point) + len >= PATH_MAX)
		return -ENAMETOOLONG;
	for (size_t up = len; up > 0 && !leaf_only; up = cpu_cgroup_parent(below, up))
		n++;
	place->levels = calloc(n, sizeof(*place->levels));
	place->quotas = calloc(n, sizeof(*place->quotas));
	if (!place->levels || !place->quotas)
		return -ENOMEM;
	while (place->n_levels < n) {
		int r = place_add_level(place, len);

		if (r < 0)
			return r;
		len = cpu_cgroup_parent(below, len);
	}
	return 0;
}

/* The last good values go with the folder, whatever path led to it. Descriptors do not. */
static void
place_adopt(struct place *place, const struct place *old)
{
	for (size_t i = 0; i < place->n_levels; i++) {
		struct cpu_quota *quota = &place->quotas[i];

		for (size_t j = 0; j < old->n_levels; j++) {
			const struct cpu_quota *was = &old->quotas[j];

			if (quota->hierarchy == was->hierarchy &&
			    strcmp(quota->dir, was->dir) == 0) {
				quota->good = was->good;
				quota->has_good = was->has_good;
				break;
			}
		}
	}
}

static bool
place_is(const struct place *place, const struct cpu_cgroup_membership *who)
{
	return place->hierarchy != CORUN_CGROUP_NONE && place->hierarchy == who->hierarchy &&
	       strlen(place->cgroup_path) == who->path_len &&
	       memcmp(place->cgroup_path, who->path, who->path_len) == 0;
}

/* ---- finding it ------------------------------------------------------------------------------ */

#define CGROUP_FILE    "/proc/self/cgroup"
#define MOUNTINFO_FILE "/proc/self/mountinfo"

/* Return: @error */
static int
set_fault(struct corun_cpu *cpu, int error, const char *file, const struct cpu_cgroup_fault *fault)
{
	if (fault) {
		snprintf(cpu->fault, sizeof(cpu->fault), "%s, line %zu: %s", file, fault->line,
			 fault->why);
	} else {
		errno = -error;
		snprintf(cpu->fault, sizeof(cpu->fault), "%s: %m", file);
	}
	cpu->view.fault = cpu->fault;
	cpu->view.fault_error = error;
	return error;
}

/* Find the mount that shows @who, and the levels in it; none is no fault. */
static int
find_place(struct corun_cpu *cpu, const struct cpu_cgroup_membership *who, struct place *place)
{
	struct cpu_cgroup_fault fault;
	char *text = NULL;
	size_t len = 0;
	int r;

	place->hybrid = who->hybrid;
	place->cgroup_path = strndup(who->path, who->path_len);
	if (!place->cgroup_path)
		return set_fault(cpu, -ENOMEM, CGROUP_FILE, NULL);

	r = cpu_source_read_all(&cpu->source, MOUNTINFO_FILE, &text, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return set_fault(cpu, r, MOUNTINFO_FILE, NULL);
	r = cpu_cgroup_parse_mount(text, len, who, &place->mount, &fault);
	free(text);
	if (r == 0)
		return 0;
	if (r < 0)
		return set_fault(cpu, r, MOUNTINFO_FILE, r == -EINVAL ? &fault : NULL);

	place->hierarchy = who->hierarchy;
	r = place_add_levels(place, cpu->leaf_only);
	return r < 0 ? set_fault(cpu, r, "the cgroup's folder", NULL) : 0;
}

/*
 * Make cpu->place say where the process is now. On a fault it stays what it was.
 *
 * @anew: also if the name is still the same
 */
static void
locate(struct corun_cpu *cpu, bool anew)
{
	struct place place = { .hierarchy = CORUN_CGROUP_NONE };
	struct cpu_cgroup_membership who;
	struct cpu_cgroup_fault fault;
	char *text = NULL;
	size_t len = 0;
	int r;

	cpu->view.fault = NULL;
	cpu->view.fault_error = 0;

	r = cpu_source_read_all(&cpu->source, CGROUP_FILE, &text, &len);
	if (r < 0 && r != -ENOENT) {
		set_fault(cpu, r, CGROUP_FILE, NULL);
		return;
	}
	r = cpu_cgroup_parse_membership(text, len, &who, &fault);
	if (r < 0) {
		set_fault(cpu, r, CGROUP_FILE, &fault);
	} else if (!anew && place_is(&cpu->place, &who)) {
		cpu->place.hybrid = who.hybrid;
	} else {
		if (who.hierarchy != CORUN_CGROUP_NONE)
			r = find_place(cpu, &who, &place);
		if (r == 0) {
			place_adopt(&place, &cpu->place);
			place_free(&cpu->place);
			cpu->place = place;
		} else {
			place_free(&place);
		}
	}
	free(text);
}

/* ---- the public part ------------------------------------------------------------------------- */

int
corun_cpu_open(const struct corun_cpu_options *options, struct corun_cpu **ret_cpu)
{
	static const struct corun_cpu_options defaults = { 0 };
	struct corun_cpu *cpu = calloc(1, sizeof(*cpu));
	int r;

	if (!cpu)
		return -ENOMEM;
	if (!options)
		options = &defaults;
	cpu->cpus = options->cpus;
	cpu->leaf_only = options->leaf_only;
	cpu->with_stat = options->with_stat;
	r = cpu_source_init(&cpu->source, options->root);
	if (r < 0) {
		free(cpu);
		return r;
	}
	*ret_cpu = cpu;
	return 0;
}

/* Return: true if a descriptor had to be given up: the process may be elsewhere by now. */
static bool
read_levels(struct corun_cpu *cpu)
{
	struct place *place = &cpu->place;
	bool gone = false;

	for (size_t i = 0; i < place->n_levels; i++)
		if (cpu_quota_read(&place->quotas[i], &cpu->source, &place->levels[i]))
			gone = true;
	return gone;
}

static void
decide_level(struct corun_cpu *cpu)
{
	struct corun_cpu_level *tightest = NULL;

	for (size_t i = 0; i < cpu->place.n_levels; i++) {
		struct corun_cpu_level *level = &cpu->place.levels[i];

		level->decides = false;
		if (level->limit.limited &&
		    (!tightest || corun_cpu_limit_cmp(&level->limit, &tightest->limit) < 0))
			tightest = level;
	}
	cpu->view.limit = (struct corun_cpu_limit){ .limited = false };
	if (tightest) {
		tightest->decides = true;
		cpu->view.limit = tightest->limit;
	}
}

const struct corun_cpu_view *
corun_cpu_look(struct corun_cpu *cpu)
{
	struct corun_cpu_view *view = &cpu->view;
	struct place *place = &cpu->place;

	view->cpus_given = cpu->cpus > 0;
	view->cpus = cpu->cpus;
	if (!view->cpus_given) {
		int count = cpu_affinity_count(getpid(), 0);

		view->cpus = count > 0 ? (unsigned) count : 1;
	}

	locate(cpu, false);
	if (read_levels(cpu)) {
		locate(cpu, true);
		read_levels(cpu);
	}
	for (size_t i = 0; cpu->with_stat && i < place->n_levels; i++)
		cpu_quota_read_stat(&place->quotas[i], &cpu->source, &place->levels[i]);
	decide_level(cpu);

	view->hierarchy = place->hierarchy;
	view->hybrid = place->hybrid;
	view->cgroup_path = place->cgroup_path;
	view->mount_point = place->mount.point;
	view->mount_root = place->mount.root;
	view->n_levels = place->n_levels;
	view->levels = place->levels;
	return view;
}

void
corun_cpu_close(struct corun_cpu *cpu)
{
	if (!cpu)
		return;
	place_free(&cpu->place);
	cpu_source_fini(&cpu->source);
	free(cpu);
}
