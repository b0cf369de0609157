#include <cairn/base.h>

const char *cairn_version(void)
{
    return "0.1.0";
}
