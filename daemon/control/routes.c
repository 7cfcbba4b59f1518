#include "daemon/control/routes.h"

#include <string.h>

#include "daemon/report/nearest.h"

const struct route routes[] = {
	{ "GET", "/v1/version", reply_version, false, false, NULL, "Name, version, process id." },
	{ "GET", "/v1/status", reply_status, false, false, NULL,
	  "State of the daemon, its workers, its tasks, and every number of the scheduler." },
	{ "GET", "/v1/cpu", reply_cpu, false, false, NULL,
	  "How the worker count came about, as of the last look at the quota." },
	{ "GET", "/v1/workers", reply_workers, false, false, NULL, "The worker count, and why." },
	{ "PUT", "/v1/workers", reply_set_workers, true, true, NULL,
	  "Pin the worker count, or with \"auto\" follow the quota again." },
	{ "GET", "/v1/tasks", reply_tasks, false, false, NULL, "All tasks." },
	{ "GET", "/v1/tasks/{name}", reply_task, false, false, NULL, "One task." },
	{ "GET", "/v1/tasks/{name}/output", reply_task_output, false, false, NULL,
	  "The last 64 KiB of what it wrote, as text." },
	{ "POST", "/v1/tasks/{name}/start", reply_task_start, true, false, "timeout",
	  "Start it; the answer comes when it runs." },
	{ "POST", "/v1/tasks/{name}/stop", reply_task_stop, true, false, "timeout",
	  "Stop it; the answer comes when it has ended." },
	{ "POST", "/v1/tasks/{name}/restart", reply_task_restart, true, false, "timeout",
	  "Stop and start it." },
	{ "POST", "/v1/reload", reply_reload, true, false, NULL,
	  "Read the configuration again, and change the tasks that differ." },
	{ "GET", "/v1/events", reply_events, false, false, "since follow",
	  "What happened and happens, an object a line." },
};

const size_t n_routes = sizeof(routes) / sizeof(routes[0]);

/* One segment of the path for {name}. */
static bool
matches(const char *pattern, const char *path, char name[static NAME_MAX_LEN + 1])
{
	const char *brace = strchr(pattern, '{');
	size_t len;

	if (brace == NULL)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, (size_t) (brace - pattern)) != 0)
		return false;
	path += brace - pattern;
	len = strcspn(path, "/");
	if (len == 0 || len > NAME_MAX_LEN || strcmp(strchr(brace, '}') + 1, path + len) != 0)
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	return true;
}

const struct route *
routes_find(const char *method, const char *path, char ret_name[static NAME_MAX_LEN + 1],
	    const char **ret_allow)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	bool get = false, put = false, post = false;

	*ret_allow = NULL;
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *route = &routes[i];

		if (!matches(route->path, path, ret_name))
			continue;
		if (strcmp(route->method, wanted) == 0)
			return route;
		get = get || strcmp(route->method, "GET") == 0;
		put = put || strcmp(route->method, "PUT") == 0;
		post = post || strcmp(route->method, "POST") == 0;
	}
	if (get)
		*ret_allow = put ? "GET, HEAD, PUT" : "GET, HEAD";
	else if (post)
		*ret_allow = "POST";
	return NULL;
}

const char *
routes_nearest(const char *path)
{
	const char *paths[sizeof(routes) / sizeof(routes[0])];

	for (size_t i = 0; i < n_routes; i++)
		paths[i] = routes[i].path;
	return nearest(path, paths, n_routes);
}

/* A minus sign and a quote have other shapes in a manual page unless they are escaped. */
static void
print_roff_text(FILE *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '-' || *p == '\\')
			putc('\\', out);
		putc(*p, out);
	}
}

void
routes_print_roff(FILE *out)
{
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *route = &routes[i];

		fprintf(out, ".TP\n.B %s %s\n", route->method, route->path);
		print_roff_text(out, route->sentence);
		putc('\n', out);
		if (route->query != NULL)
			fprintf(out, "Query: %s.\n", route->query);
		if (route->changes)
			fputs("For root and the daemon's own user.\n", out);
	}
}
