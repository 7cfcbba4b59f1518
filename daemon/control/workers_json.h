#pragma once

#include <jansson.h>

#include <corun/runtime.h>

/** workers_json() - the body of GET /v1/workers; NULL: no memory, or @pool is */
json_t *workers_json(const struct corun_pool_state *pool);
