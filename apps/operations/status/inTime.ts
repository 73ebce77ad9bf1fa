/**
 * What is asked comes to, which is not waited for longer than some seconds.
 * @param late what the error says that is thrown then
 */
export async function inTime<T>(asked: Promise<T>, seconds: number, late: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(late)), seconds * 1000);
  });
  try {
    return await Promise.race([asked, over]);
  } finally {
    clearTimeout(timer);
  }
}
