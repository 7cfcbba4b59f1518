#pragma once

/*
 * Procgroup - signals to a child's process group, and whether anybody is left in it
 *
 * See procgroup.c for why no process of others can be hit.
 */

#include <stdbool.h>
#include <sys/types.h>

/** procgroup_signal_leader() - to the child alone. Return: 0; -ESRCH: it has been reaped; -EPERM ... */
int procgroup_signal_leader(int pidfd, pid_t pid, int signal);

/**
 * procgroup_signal() - to all of the group that the child leads or led
 * @pidfd: of the child, which may have been reaped; -1: the kernel has none
 * @pid:   its number
 * Context: reads /proc on kernels before 6.9; a plain thread, or between corun_block_enter() and
 *          _exit().
 * Return:  0; -ESRCH: nobody is left; or another negative errno.
 */
int procgroup_signal(int pidfd, pid_t pid, int signal);

/** procgroup_is_empty() - is nobody left? To be asked after the child was reaped. Never waits. */
bool procgroup_is_empty(int pidfd, pid_t pid);
