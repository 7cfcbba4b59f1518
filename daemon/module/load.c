#include "daemon/module/load.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <corun/coroutine.h>

#include "daemon/config/config.h"
#include "daemon/report/nearest.h"

struct module_object {
	struct module_object *next;
	char *path;
	struct stat file; /* as it was when it was loaded */
	void *handle;
	const struct corun_module *table;
	_Atomic unsigned runs;
};

/* What ABI 1 began with. Fields appended later need not be there. */
enum {
	TABLE_BYTES_MIN =
		offsetof(struct corun_module, run) + sizeof(((struct corun_module *) NULL)->run),
};

/*
 * Held while a file is loaded, which may take long: only between corun_block_enter() and _exit().
 * Runs are begun under the lock and ended without it.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct module_object *objects;

/* The ELF header of this program, by the linker: a module must be made for the same machine. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

int
module_fault_set(struct module_fault *fault, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	for (char *c = fault->text; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	return err;
}

/* ---- which file ------------------------------------------------------------------------------ */

/* The module of @dir whose name is nearest to @name, into @ret without ".so". */
static bool
nearest_module(const char *name, const char *dir, char *ret, size_t size)
{
	DIR *d = opendir(dir);
	bool found = false;
	struct dirent *entry;

	if (d == NULL)
		return false;
	while (!found && (entry = readdir(d)) != NULL) {
		char *ending = strrchr(entry->d_name, '.');

		if (ending == NULL || strcmp(ending, ".so") != 0)
			continue;
		*ending = '\0';
		if (nearest(name, (const char *[]){ entry->d_name }, 1) != NULL) {
			snprintf(ret, size, "%s", entry->d_name);
			found = true;
		}
	}
	closedir(d);
	return found;
}

static int
no_such_file(const char *module, const char *dir, const char *path, struct module_fault *fault)
{
	char meant[256];

	if (strchr(module, '/') != NULL)
		return module_fault_set(fault, -ENOENT, "there is no file %s", path);
	if (nearest_module(module, dir, meant, sizeof(meant)))
		return module_fault_set(
			fault, -ENOENT,
			"there is no module '%s' (looked for %s); did you mean '%s'?", module, path,
			meant);
	if (access(dir, F_OK) < 0)
		return module_fault_set(
			fault, -ENOENT,
			"there is no module '%s': the folder for modules, %s, does not exist; give "
			"a path, or set ModuleDirectory=",
			module, dir);
	return module_fault_set(
		fault, -ENOENT,
		"there is no module '%s' (looked for %s); give its path, or install "
		"it there",
		module, path);
}

/* ---- is it a module: before its code runs ---------------------------------------------------- */

static int
not_elf(const char *path, const unsigned char *head, size_t n, struct module_fault *fault)
{
	static const char libtool[] = " a libtool library file";
	bool text = n > 0;

	for (size_t i = 0; i < n; i++)
		text = text && (head[i] >= ' ' || (head[i] >= '\t' && head[i] <= '\r'));
	if (text && memmem(head, n, libtool, sizeof(libtool) - 1) != NULL)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s is libtool's note on a library; the module itself is the "
			".so beside it, in .libs before it is installed",
			path);
	return module_fault_set(
		fault, -ENOEXEC,
		"%s is %s, not a shared object; a module is built with cc -shared -fPIC", path,
		n == 0 ? "empty"
		: text ? "a text file"
		       : "no ELF file");
}

/*
 * Is all there that will be mapped? The linker does not look, and what is missing, since the file is
 * still being copied, ends the whole process with SIGBUS.
 */
static bool
is_whole(int fd, const ElfW(Ehdr) * elf)
{
	struct stat st;
	ElfW(Phdr) segment;

	if (fstat(fd, &st) < 0 || elf->e_phentsize != sizeof(segment))
		return false;
	for (unsigned i = 0; i < elf->e_phnum; i++) {
		off_t at = (off_t) (elf->e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) != (ssize_t) sizeof(segment) ||
		    segment.p_offset > (uint64_t) st.st_size ||
		    segment.p_filesz > (uint64_t) st.st_size - segment.p_offset)
			return false;
	}
	return true;
}

static int
check_elf(const char *path, int fd, struct module_fault *fault)
{
	union {
		ElfW(Ehdr) elf;
		unsigned char bytes[256];
	} head;
	ssize_t n = pread(fd, &head, sizeof(head), 0);

	if (n < 0)
		return module_fault_set(fault, -errno, "%s cannot be read: %s", path,
					strerror(errno));
	if (n < (ssize_t) sizeof(head.elf) || memcmp(head.bytes, ELFMAG, SELFMAG) != 0)
		return not_elf(path, head.bytes, (size_t) n, fault);
	if (head.bytes[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
	    head.bytes[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
	    head.elf.e_machine != __ehdr_start.e_machine)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s is built for another machine; build it for the one that "
			"corund is built for",
			path);
	if (head.elf.e_type != ET_DYN)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s is %s, not a shared object; a module is linked with cc -shared", path,
			head.elf.e_type == ET_REL ? "an object file" : "a program");
	if (!is_whole(fd, &head.elf))
		return module_fault_set(
			fault, -ENOEXEC,
			"%s ends in the middle: it was not copied as a whole, or not yet", path);
	return 0;
}

/* ---- is it a module: what it exports --------------------------------------------------------- */

/* Has it the runtime linked in statically? Its coroutines would be none of this process's. */
static bool
has_own_runtime(void *handle, const void *table)
{
	const void *call = dlsym(handle, "corun_go");
	Dl_info of_call, of_table;

	return call != NULL && dladdr(call, &of_call) != 0 && dladdr(table, &of_table) != 0 &&
	       of_call.dli_fbase == of_table.dli_fbase;
}

static int
check_table(const char *path, void *handle, const struct corun_module *table,
	    struct module_fault *fault)
{
	if (table == NULL)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s is not a module: it has no symbol corun_module; it must "
			"define CORUN_MODULE (see corun-module(7))",
			path);
	if (table->abi != CORUN_MODULE_ABI)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s is built for ABI %u of modules, this corund has ABI %u; "
			"build it with the <corun/module.h> of this corund",
			path, table->abi, CORUN_MODULE_ABI);
	if (table->size < TABLE_BYTES_MIN)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s: corun_module.size is %u, ABI %u needs at least %d; begin the table "
			"with CORUN_MODULE_HEADER",
			path, table->size, CORUN_MODULE_ABI, TABLE_BYTES_MIN);
	if (table->run == NULL)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s: corun_module.run is NULL; it must be the function to run", path);
	if (table->name == NULL)
		return module_fault_set(
			fault, -ENOEXEC,
			"%s: corun_module.name is NULL; it must be the module's name", path);
	if (has_own_runtime(handle, table))
		return module_fault_set(fault, -ENOEXEC,
					"%s has a libcorun of its own linked in; link it with the "
					"shared one (-lcorun, not libcorun.a)",
					path);
	return 0;
}

/* What dlopen() says begins with the path, mostly. */
static int
cannot_load(const char *path, struct module_fault *fault)
{
	const char *why = dlerror();
	size_t len = strlen(path);

	if (why == NULL)
		why = "the dynamic linker does not say why";
	if (strncmp(why, path, len) == 0 && strncmp(why + len, ": ", 2) == 0)
		why += len + 2;
	return module_fault_set(fault, -ENOEXEC, "%s cannot be loaded: %s", path, why);
}

/* ---- the loaded ones ------------------------------------------------------------------------- */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
unchanged(const struct stat *a, const struct stat *b)
{
	return same_file(a, b) && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* By its path, too: dlopen() takes what is loaded by that name, whatever the file is now. */
static struct module_object **
find(const char *path, const struct stat *file)
{
	struct module_object **at = &objects;

	while (*at != NULL && strcmp((*at)->path, path) != 0 && !same_file(&(*at)->file, file))
		at = &(*at)->next;
	return at;
}

static void
object_free(struct module_object *object)
{
	if (object != NULL) {
		free(object->path);
		free(object);
	}
}

/* Unload it, since its file has changed. Nobody runs it. */
static int
unload(struct module_object **at, struct module_fault *fault)
{
	struct module_object *object = *at;
	void *left;

	dlclose(object->handle);
	left = dlopen(object->path, RTLD_NOW | RTLD_NOLOAD);
	if (left != NULL) {
		object->handle = left;
		return module_fault_set(
			fault, -EBUSY,
			"%s has changed, but what was loaded of it before cannot be "
			"unloaded (a C++ or a nodelete library); restart corund",
			object->path);
	}
	*at = object->next;
	object_free(object);
	return 0;
}

static int
load(const char *path, int fd, const struct stat *file, struct module_object **ret,
     struct module_fault *fault)
{
	struct module_object *object;
	int r = check_elf(path, fd, fault);

	if (r < 0)
		return r;
	object = calloc(1, sizeof(*object));
	if (object == NULL || (object->path = strdup(path)) == NULL) {
		object_free(object);
		return module_fault_set(fault, -ENOMEM, "no memory");
	}
	object->file = *file;
	/* NOW: what is missing is said here, not by a crash in the middle of a run. */
	object->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (object->handle == NULL) {
		r = cannot_load(path, fault);
	} else {
		object->table = dlsym(object->handle, "corun_module");
		r = check_table(path, object->handle, object->table, fault);
		if (r < 0)
			dlclose(object->handle);
	}
	if (r < 0) {
		object_free(object);
		return r;
	}
	object->next = objects;
	objects = object;
	*ret = object;
	return 0;
}

/* Under the lock. @fd and @file: the file as it is now. */
static int
get(const char *path, int fd, const struct stat *file, struct module_object **ret, bool *ret_stale,
    struct module_fault *fault)
{
	struct module_object **at = find(path, file);
	int r = 0;

	*ret = *at;
	*ret_stale = *at != NULL && !unchanged(&(*at)->file, file);
	if (*ret_stale && atomic_load_explicit(&(*at)->runs, memory_order_acquire) == 0) {
		*ret_stale = false;
		*ret = NULL;
		r = unload(at, fault);
	}
	if (r == 0 && *ret == NULL)
		r = load(path, fd, file, ret, fault);
	if (r == 0)
		atomic_fetch_add_explicit(&(*ret)->runs, 1, memory_order_relaxed);
	return r;
}

/* Not inlined: the address of errno in it is that of the thread that it runs on. */
__attribute__((noinline)) static int
open_and_get(const char *module, const char *dir, struct module_object **ret, bool *ret_stale,
	     struct module_fault *fault)
{
	char *path = config_module_file(module, dir);
	struct stat file;
	int fd, r;

	if (path == NULL)
		return module_fault_set(fault, -ENOMEM, "no memory");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		r = no_such_file(module, dir, path, fault);
	} else if (fd < 0 || fstat(fd, &file) < 0) {
		r = module_fault_set(fault, -errno, "%s cannot be opened: %s", path,
				     strerror(errno));
	} else if (!S_ISREG(file.st_mode)) {
		r = module_fault_set(fault, -ENOEXEC,
				     "%s is %s; a module is a shared object, a file", path,
				     S_ISDIR(file.st_mode) ? "a folder" : "no regular file");
	} else {
		pthread_mutex_lock(&lock);
		r = get(path, fd, &file, ret, ret_stale, fault);
		pthread_mutex_unlock(&lock);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return r;
}

int
module_object_get(const char *module, const char *dir, struct module_object **ret, bool *ret_stale,
		  struct module_fault *fault)
{
	int r;

	corun_block_enter();
	r = open_and_get(module, dir, ret, ret_stale, fault);
	corun_block_exit();
	return r;
}

void
module_object_put(struct module_object *object)
{
	atomic_fetch_sub_explicit(&object->runs, 1, memory_order_release);
}

const struct corun_module *
module_object_table(const struct module_object *object)
{
	return object->table;
}

const char *
module_object_path(const struct module_object *object)
{
	return object->path;
}
