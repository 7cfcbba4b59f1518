#pragma once

/* Accounts - users and groups by name or number, as a configuration gives them */

#include <pwd.h>
#include <stdbool.h>

struct config_account {
	struct passwd entry;
	char *memory; /* behind the strings of it; to be freed */
};

/**
 * config_account_look_up() - a user by name, or else by number
 * Context: blocks in NSS. Return: 0; -ENOENT; -ENOMEM; what NSS says.
 */
int config_account_look_up(const char *user, struct config_account *ret);

/** config_group_check() - is there such a group? Return: 0; -ENOENT; -ENOMEM; what NSS says. */
int config_group_check(const char *group);

/** config_is_id() - is it a number that can be a user or group, whether it has a name or not? */
bool config_is_id(const char *text);
