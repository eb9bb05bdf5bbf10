/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_ask PATH [TEXT]: connects to a unix socket, says TEXT if given, and prints what comes back.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[4096];
	ssize_t n;

	if (argc < 2 || fd < 0 || (size_t)snprintf(to.sun_path, sizeof to.sun_path, "%s", argv[1]) >= sizeof to.sun_path ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		perror("socket_ask");
		return 1;
	}
	if (argc > 2 && write(fd, argv[2], strlen(argv[2])) < 0) {
		perror("socket_ask");
		return 1;
	}
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	return n < 0 || fflush(stdout) != 0;
}
