/* Service - built without libsystemd: systemd is neither told nor asked anything */

#include "daemon/systemd/service.h"

int
service_listen_fd(void)
{
	return -1;
}

void
service_ready(const char *status)
{
	(void) status;
}

void
service_status(const char *status)
{
	(void) status;
}

void
service_reloading(void)
{
}

void
service_stopping(void)
{
}

void
service_watchdog(void)
{
}

void
service_close(void)
{
}
