#pragma once

/* List - a doubly linked ring through a head; links live in the objects */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define list_entry(ptr, type, member) ((type *) (void *) ((char *) (ptr) -offsetof(type, member)))

static inline void
list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Zeroed and removed links are not linked. */
static inline bool
list_is_linked(const struct list *link)
{
	return link->next != NULL;
}

static inline void
list_push_tail(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void
list_push_head(struct list *head, struct list *link)
{
	link->next = head->next;
	link->prev = head;
	head->next->prev = link;
	head->next = link;
}

static inline void
list_remove(struct list *link)
{
	link->next->prev = link->prev;
	link->prev->next = link->next;
	link->next = link->prev = NULL;
}

static inline struct list *
list_pop_head(struct list *head)
{
	struct list *link = head->next;

	if (link == head)
		return NULL;
	list_remove(link);
	return link;
}
