#pragma once

/*
 * CPU - how much of the machine this process may use, and how many workers that makes
 *
 * Data flow:
 *
 *   /proc/self/{cgroup,mountinfo}  ->  levels (quota and period of each visible cgroup)
 *                                  ->  limit (the tightest of them)
 *                                  ->  decision (workers, and the reason)
 *
 * Nothing here needs the scheduler, a started runtime or a thread of its own. The rules are
 * those of Go 1.26's GOMAXPROCS, with one difference: all visible ancestors of the process's
 * cgroup count, since the kernel enforces them too. corun_cpu_options.leaf_only gives Go's
 * reading.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corun/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most workers a pool can have, and so the greatest number a pin may ask for. */
#define CORUN_WORKERS_MAX 1024

/* ---- policy: from limits to a count; pure functions ------------------------------------- */

/* quota_us microseconds of CPU time in each period_us microseconds; exact, never a double. */
struct corun_cpu_limit {
	bool limited;       /* false: no quota anywhere; the two below are then 0 */
	uint64_t quota_us;  /* may be 0: a limit of zero CPUs */
	uint64_t period_us; /* a limit without a period counts as none */
};

enum corun_cpu_round {
	CORUN_ROUND_UP, /* Go's way and the default */
	CORUN_ROUND_DOWN,
	CORUN_ROUND_NEAREST, /* a half rounds up */
};

struct corun_cpu_policy {
	unsigned workers_min; /* a quota alone never gives less; 0 means the default, 2 */
	unsigned workers_max; /* 0 means no bound of the user's */
	enum corun_cpu_round round;
	unsigned pin; /* 0: by the rules; else this count, not clamped to the CPUs */
};

/* Which bound decided. */
enum corun_cpu_reason {
	CORUN_BY_CPUS,  /* the CPUs of the affinity mask */
	CORUN_BY_QUOTA, /* the rounded limit */
	CORUN_BY_MIN,   /* workers_min: the rounded limit is below it */
	CORUN_BY_MAX,   /* workers_max, or else CORUN_WORKERS_MAX */
	CORUN_BY_PIN,   /* somebody asked for just this number */
};

struct corun_cpu_decision {
	unsigned workers; /* 1 to CORUN_WORKERS_MAX */
	enum corun_cpu_reason reason;
};

/**
 * corun_cpu_decide() - how many workers, and why
 * @policy: the user's settings; NULL for the defaults
 * @cpus:   CPUs in the affinity mask; 0 is taken as 1
 * @limit:  the tightest limit; NULL for none
 *
 * workers = min(cpus, workers_max, max(workers_min, round(limit))), at least 1 and at most
 * CORUN_WORKERS_MAX; without a limit min(cpus, workers_max). A pin overrides all of it. Where
 * two bounds agree, the one that was not configured names the reason (CPUs, then quota), then
 * the minimum.
 *
 * Context: any, also a signal handler; pure.
 */
CORUN_EXPORT struct corun_cpu_decision corun_cpu_decide(const struct corun_cpu_policy *policy,
							unsigned cpus,
							const struct corun_cpu_limit *limit);

/**
 * corun_cpu_limit_cmp() - which of two limits is tighter, exactly
 * Return: <0 if @a is tighter, >0 if @b is, 0 if they are equal. No limit is the widest.
 */
CORUN_EXPORT int corun_cpu_limit_cmp(const struct corun_cpu_limit *a,
				     const struct corun_cpu_limit *b);

/**
 * corun_cpu_reason_name() - a stable word: "cpus", "quota", "min", "max", "pin"
 * Return: static storage.
 */
CORUN_EXPORT const char *corun_cpu_reason_name(enum corun_cpu_reason reason);

/**
 * corun_workers_parse() - read a worker count as CORUN_WORKERS and Workers= spell it
 * @text:        NULL or "" or "auto" give 0, which means: by the rules
 * @ret_workers: set on success, left untouched on failure
 *
 * Return: 0; -EINVAL (not a whole decimal number, or 0); -ERANGE (over CORUN_WORKERS_MAX).
 */
CORUN_EXPORT int corun_workers_parse(const char *text, unsigned *ret_workers);

/* ---- looking: what the kernel says right now ----------------------------------------------- */

enum corun_cpu_hierarchy {
	CORUN_CGROUP_NONE, /* no cgroup with a CPU controller is visible */
	CORUN_CGROUP_V1,   /* cpu.cfs_quota_us, cpu.cfs_period_us */
	CORUN_CGROUP_V2,   /* cpu.max */
};

/* What one level's files said at the last look. */
enum corun_cpu_level_state {
	CORUN_LEVEL_LIMITED,
	CORUN_LEVEL_UNLIMITED,  /* "max", or a negative v1 quota */
	CORUN_LEVEL_NO_FILE,    /* controller not enabled here (yet); counts as no limit */
	CORUN_LEVEL_UNREADABLE, /* open or read failed: the last good value counts, if any */
	CORUN_LEVEL_MALFORMED,  /* content against the grammar: the same */
};

/* One visible cgroup between the process's own and the root of what is visible. */
struct corun_cpu_level {
	const char *path; /* cgroup path below the mount, "/" for its root */
	const char *dir;  /* the directory, absolute; with options.root, as seen from there */
	enum corun_cpu_level_state state;
	int error;                    /* negative errno for UNREADABLE and MALFORMED, else 0 */
	struct corun_cpu_limit limit; /* that counts: of now, or the last good one */
	bool stale;                   /* limit is the last good one, not of now */
	bool decides;                 /* the tightest; the one nearest to the leaf among equals */

	/* throttling, from cpu.stat; since the cgroup exists */
	bool has_stat;
	uint64_t nr_periods;
	uint64_t nr_throttled;
	uint64_t throttled_us;
};

/* The result of one look. */
struct corun_cpu_view {
	enum corun_cpu_hierarchy hierarchy;
	bool hybrid;             /* v1 cpu controller beside a v2 hierarchy */
	const char *cgroup_path; /* of the process, as /proc/self/cgroup spells it, or NULL */
	const char *mount_point; /* of the hierarchy in use, as seen from options.root; or NULL */
	const char *mount_root;
	/*
	 * Why the lookup as a whole failed: a sentence such as
	 * "/proc/self/cgroup, line 3: path does not start with '/'"; else NULL. The levels that
	 * an earlier look found are kept then, and read as ever; at the first look there are
	 * none. "No cgroup" is no fault: no such file, no line of interest, nothing mounted
	 * that shows the cgroup.
	 */
	const char *fault;
	int fault_error; /* the negative errno that goes with fault, else 0 */
	size_t n_levels; /* leaf first */
	struct corun_cpu_level *levels;
	struct corun_cpu_limit limit; /* the tightest of all levels */
	unsigned cpus;                /* of the affinity mask, or as given in the options */
	bool cpus_given;
};

struct corun_cpu_options {
	/*
	 * A folder that stands for the kernel: root/proc/self/cgroup, root/proc/self/mountinfo,
	 * and the cgroup files below root at the mount points that mountinfo names. Nothing
	 * outside of it is read: neither by an absolute path, nor by "..", nor by a symbolic
	 * link. NULL: "/".
	 */
	const char *root;
	unsigned cpus;  /* 0: ask the kernel, for the process's first thread; 1 if it refuses */
	bool leaf_only; /* Go's rule: the process's own cgroup only */
	bool with_stat; /* read cpu.stat as well */
};

/* Keeps descriptors and last good values between looks. */
struct corun_cpu;

/**
 * corun_cpu_open() - prepare to look
 * @options: copied; NULL for the defaults
 * @ret_cpu: the caller frees it with corun_cpu_close()
 *
 * Reads nothing yet but opens the root folder.
 *
 * Context: any thread, not in a signal handler; allocates.
 * Return:  0, -ENOMEM, or what opening options.root gave (-ENOENT, -ENOTDIR, -EACCES ...).
 */
CORUN_EXPORT int corun_cpu_open(const struct corun_cpu_options *options,
				struct corun_cpu **ret_cpu);

/**
 * corun_cpu_look() - read what the kernel says now
 * @cpu: one caller at a time
 *
 * Never fails: what cannot be read is said in the view, and the rest counts. /proc/self/cgroup
 * is read each time; mountinfo and the quota files are opened again when the path changed or a
 * read gave ENODEV. A level without a file is looked for again each time, and so is a mount while
 * there is none that shows the cgroup.
 *
 * With v1, quota and period are two files: a look between two writes sees one of them new and the
 * other old. A caller that acts on a change should see it twice.
 *
 * Ownership: the view belongs to @cpu and is valid until the next look or close.
 * Context:   blocks in read(2) (a hung file system can block it for long); allocates.
 */
CORUN_EXPORT const struct corun_cpu_view *corun_cpu_look(struct corun_cpu *cpu);

/** corun_cpu_close() - free it, its view and its descriptors; NULL is fine */
CORUN_EXPORT void corun_cpu_close(struct corun_cpu *cpu);

#ifdef __cplusplus
}
#endif
