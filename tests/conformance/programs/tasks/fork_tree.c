/* Children of children, each with a code of its own. */
#include "check.h"
static int tree(int depth)
{
    int sum = 1;
    for (int i = 0; i < 2 && depth; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(tree(depth - 1));
        int status;
        waitpid(pid, &status, 0);
        sum += WEXITSTATUS(status);
    }
    return sum;
}
int main(void)
{
    SHOW(tree(4));
    return 0;
}
