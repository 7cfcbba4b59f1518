#pragma once

/* Words - a value that is a list of words, as systemd splits it */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/config/complain.h"

/* A list of words: an array of allocated strings that ends with NULL; an empty one may be NULL. */

size_t config_words_count(char *const *words);
bool config_words_same(char *const *a, char *const *b);
void config_words_free(char **words);

/** config_words_add() - take over @word, also on failure; NULL: -ENOMEM. Return: 0; -ENOMEM. */
int config_words_add(char ***words, char *word);

/**
 * config_words_split() - split @text into words, and add them to *@words
 *
 * Blanks are between words. Single and double quotes, which may begin within a word, keep blanks;
 * the backslash makes the characters of C, and \s a space, inside and outside of quotes.
 *
 * Return: 0; -EINVAL: @at was told, by a sentence that begins with @key; -ENOMEM.
 */
int config_words_split(const char *text, const char *key, const struct config_place *at,
		       char ***words);

/** config_words_print() - so that config_words_split() would read the same; blanks in between */
void config_words_print(char *const *words, FILE *out);
void config_word_print(const char *word, FILE *out);
