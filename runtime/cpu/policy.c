#include <corun/cpu.h>
