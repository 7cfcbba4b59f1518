#pragma once

/**
 * output_flush() - see that all that was printed to stdout has arrived
 *
 * Return: 0, or the negative errno of the first failure, however often it is called.
 */
int output_flush(void);
