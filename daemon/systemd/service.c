/* Service - sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3) */

#include "daemon/systemd/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include <corun/pulse.h>
#include <corun/time.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"

/* The governor looks once a second and settles for half of one: less says nothing. */
#define STILL_MIN_NS (3 * CORUN_S)

static struct {
	char status[256];
	struct corun_pulse *pulse;
	struct loop_timer timer;
	uint64_t interval_ns;
	bool complained;
} service;

int
service_listen_fd(void)
{
	int n = sd_listen_fds(1);

	if (n <= 0)
		return -1;
	if (n > 1)
		log_line(LOG_LEVEL_WARNING, NULL,
			 "systemd passed %d sockets, but only the first is used", n);
	if (sd_is_socket_unix(SD_LISTEN_FDS_START, 0, 1, NULL, 0) <= 0) {
		log_line(LOG_LEVEL_ERR, NULL,
			 "the socket that systemd passed is no listening Unix stream socket "
			 "(ListenStream= with a path is wanted); it is not used");
		return -1;
	}
	return SD_LISTEN_FDS_START;
}

void
service_ready(const char *status)
{
	snprintf(service.status, sizeof(service.status), "%s", status);
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
service_status(const char *status)
{
	if (strncmp(service.status, status, sizeof(service.status) - 1) == 0)
		return;
	snprintf(service.status, sizeof(service.status), "%s", status);
	sd_notifyf(0, "STATUS=%s", status);
}

void
service_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, corun_now() / CORUN_US);
}

void
service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

/* ---- watchdog -------------------------------------------------------------------------------- */

/* What has not moved for too long; NULL: all is well. */
static const char *
what_is_still(void)
{
	uint64_t most_ns = service.interval_ns > STILL_MIN_NS ? service.interval_ns : STILL_MIN_NS;
	struct corun_still still;

	corun_pulse_look(service.pulse, &still);
	if (still.monitor_ns > most_ns)
		return "the monitor";
	if (still.governor_ns > most_ns)
		return "the governor (a read of a cgroup file hangs?)";
	if (still.workers_ns > most_ns)
		return "a worker, while work waits for it";
	return NULL;
}

static void
ping(void *arg)
{
	const char *what = what_is_still();

	(void) arg;
	if (what == NULL)
		sd_notify(0, "WATCHDOG=1");
	else if (!service.complained)
		log_line(LOG_LEVEL_ERR, NULL, "no watchdog ping: %s does not move", what);
	service.complained = what != NULL;
	loop_at(&service.timer, corun_in(service.interval_ns));
}

void
service_watchdog(void)
{
	uint64_t usec = 0;

	if (sd_watchdog_enabled(1, &usec) <= 0 || usec == 0)
		return;
	service.pulse = corun_pulse_new();
	if (service.pulse == NULL) {
		log_line(LOG_LEVEL_ERR, NULL, "no memory for the watchdog: it will not be pinged");
		return;
	}
	service.interval_ns = usec * CORUN_US / 2;
	service.timer.fn = ping;
	ping(NULL);
}

void
service_close(void)
{
	if (service.pulse == NULL)
		return;
	loop_cancel(&service.timer);
	corun_pulse_free(service.pulse);
	service.pulse = NULL;
}
