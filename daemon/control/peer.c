#include "daemon/control/peer.h"

#include <sys/socket.h>
#include <unistd.h>

bool
peer_may_change(int fd, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	*ret_uid = (uid_t) -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*ret_uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}
