/* The smallest program that uses the installed library: prints its version, and one code's name. */
#include <cairn/error.h>

#include <stdio.h>

int main(void)
{
    printf("%s %s\n", cairn_version(), cairn_code_name(CAIRN_E_FENCED));
    return 0;
}
