# gcc: a program of two files and a library of its own, static and shared; what it prints; errors. @shell bash
set -u
cat > main.c <<'END'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int twice(int);
int main(int argc, char **argv)
{
    double sum = 0;
    for (int i = 1; i < 100000; i++)
        sum += sqrt(i) / i;
    printf("%d %.3f %s\n", twice(21), sum, argc > 1 ? argv[1] : "none");
    return twice(2);
}
END
echo 'int twice(int n) { return n * 2; }' > twice.c
gcc -O2 -Wall -c main.c twice.c && ar rcs libtwice.a twice.o && gcc -o static main.o -L. -ltwice -lm && ./static a; echo $?
gcc -shared -fPIC -o libtwice.so twice.c && gcc -o shared main.o ./libtwice.so -lm && ./shared b; echo $?
gcc -O2 -static -o whole main.c twice.c -lm && ./whole c; echo $?
echo 'int main(void) { return x; }' > bad.c; gcc bad.c 2>&1 | grep -o "error: .*"
gcc -E -x c - <<< 'A' | tail -n 1
objdump -d static | grep -c '<main>:'; nm libtwice.a | grep -c ' T twice'; strip whole; ./whole; rm -f static shared whole *.o *.a *.so
